"""The protocol: the only layer that imports pygls and lsprotocol.

serving       starts: the handshake first, then the server
handshake     the answer to `initialize`, with the standard library alone
wire          frames in and out, in threads of their own, never blocking the loop
protocol      pygls with its known traps mended
server        one connection, over pipes or TCP
registration  which method and command is answered by which feature
session       what one connected client has: roots, documents, settings, agents, trust
capabilities  what the client can do, resolved once into flat names of ours
documents     open documents and their recent versions
live_lines    the line index of a text that is typed in
convert       offsets and paths to positions and URIs
client        everything the server asks of the editor
progress      server-initiated work-done progress with cancel
facts         project facts of the open folders, kept current
check_worker  the process that reads a whole folder for them
order         what somebody asked an agent to do, in words
run           one run as the editor sees it
page          the page of a run
hosts         run hosts: one process per run, one warm spare
delivering    from a finished run to its review
delivery      how a proposal reaches the buffers
features      one module per user intention
"""
