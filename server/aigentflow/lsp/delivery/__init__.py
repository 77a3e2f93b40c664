"""How a proposal reaches the buffers without losing a keystroke.

clock     time, injected so that tests need no sleep
state     what is known of each file and hunk of a proposal, and the frozen views of it
risk      which hunks wait for the person, and why
rebase    the person's text and some of the agent's hunks, merged three ways
echo      did the edit land, and where: the next text decides, not the client's answer
batches   what goes into which request for which client
tree      the files of one root as the person sees them now
pieces    what is sent together or apart, and how each tells that it landed
fileops   creations, deletions and renames
watch     listens to what the client says of one file
send      sends, listens, repairs and sends again, within bounds
plan      from hunks to pieces, from outcomes to statuses
views     how it all stands, in values and in words
"""
