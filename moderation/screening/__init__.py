"""The life of one text: enqueued, claimed, scored, stored. The loop that runs this is `moderation.worker`."""
