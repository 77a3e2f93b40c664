"""Text and paths: the only layer that reads the tree.

lines      where lines begin, by LSP's line ends
globs      patterns to matchers in linear time; braces: their alternatives
boundary   decides for a path: may it be read, may it be changed, why not
rules      what a boundary is given; names, forms, resolve: the steps of its decision
snapshot   the workspace frozen at a moment; decoding, folders, ignore: how it reads
live       the tree as it is now, for checks and offers
overlay    pending changes on top of a snapshot; places: where an edit belongs
proposal   the overlay's difference to the snapshot, as hunks
diff       the minimal edits between two texts; alignment, patch: how and as what
merge      three-way merge in which the person's text wins
apply      the one function that writes workspace files to disk
"""
