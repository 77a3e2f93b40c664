"""The protocol: the only layer that imports pygls and lsprotocol.

wire          frames in and out, in threads of their own, never blocking the loop
protocol      pygls with its known traps mended
server        registers the features and serves
session       what one connected client has: roots, documents, settings, agents, runs
capabilities  what the client can do, resolved once into flat names of ours
documents     open documents and their recent versions
convert       offsets and paths to positions and URIs
client        everything the server asks of the editor
progress      server-initiated work-done progress with cancel
hosts         run hosts: one process per run, one warm spare
delivery      how a proposal reaches the buffers
features      one module per user intention
"""
