"""The run; knows no protocol.

request         what a run host is given
events          what a run tells while it goes on
result          what a run ends with
turns           values between loop and model: request, reply, tool call, usage
sse             server-sent events out of bytes
assembly        a reply put together from stream events
faults          which answer of the service is which error
model           Claude through the SDK; the only module that imports it
scripted        recorded turns through the same loop
catalogue       aliases, prices and request fields from `agents/models.yaml`
ledger          what was used, and the limits
conversation    the messages so far, cache marks, shortening
asking          one turn, tried again where that helps
tool_schemas    what the model is told about the tools
tools           Read, Write, Edit, Grep, Glob, Bash over overlay, boundary and box
commanding      commands of a run: what lies over the tree when they start, what they leave
steering        what the person may still say while a run goes on
approval        the question whether one command may run unprotected
searching       regular-expression search in a child that can be stopped
search_worker   that child
loop            turns until the run ends
context         what the first message is made of
gaps            gaps before and after
report          the final answer against its contract
verify          what was verified, and what the model is told of it
verification/   which commands verify, why their exit status may prove nothing, what their output says
auditing/       claims of the final answer beside the record; hunks that weaken tests and checks
claimed         what an agent claims of a verification
summary         the result, put together
telling         what a run tells, cleaned and put together
run             one run from request to result
journal         the durable record of runs
records         its lines on disk
frames          length-prefixed JSON
pipes           frames over file descriptors
host            the same run in a process of its own
"""
