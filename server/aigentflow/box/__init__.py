"""Other people's programs: the only layer that runs one, git included.

git        branch, status and size of the changes, with the repository's own configuration switched off
"""
