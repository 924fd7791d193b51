"""Records: batches as bytes with a header, and what is inside of them when somebody must look.

`batch` sees a record batch (message format v2) as 61 header bytes and a body it does not open: the
leader patches offsets in place and the bytes travel on as the producer sent them. `validation` says
what a leader accepts from a client. `record` and `builder` decode and encode single records,
`compression` the bodies, `control` the records that Kafka writes for itself.
"""
