"""Text and paths: the only layer that reads the tree.

lines      where lines begin, by LSP's line ends
globs      patterns to matchers in linear time
boundary   decides for a path: may it be read, may it be changed, why not
snapshot   the workspace frozen at a moment
overlay    pending changes on top of a snapshot
proposal   the overlay's difference to the snapshot, as hunks
diff       the minimal edits between two texts
merge      three-way merge in which the person's text wins
apply      the one function that writes workspace files to disk
"""
