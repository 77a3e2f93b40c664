"""Other people's programs: the only layer that runs one, git included.

client                 the box of one run, from the side of the run
values                 what goes in and what comes out, as JSON both ways
serving                the box helper: one small process that forks a child for every command
jobs                   that child, for an order that is there or for the next one
ladder                 which tier holds here, found by doing
namespaced, namespace  tier 1: namespaces and a root put together by mounts
layers, collect        what lies over the workspace before, what differs after
bubblewrap             tier 2; bubblewrap_trial tries it with and without its own overlay
landlock               tier 3
on_copy                tiers 2 and 3: one command on a private copy (copying, copied, mirroring, comparing, scratch)
seccomp                the filter of system calls (syscall_numbers)
supervise              runs one program to its end or a limit (processes, output)
toolchains             what of the machine a command sees (toolchain_*, packages)
hidden                 which files it must not see, and taking what they hold out of texts (hidden_*, watching)
libc                   system calls that Python does not offer
git                    branch, status and size of the changes, with the repository's own configuration switched off
"""
