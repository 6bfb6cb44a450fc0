"""The Perspective API on the wire, without a web framework: requests in, answers of the same form out.

`service.Service` answers one request; a framework hands it the request and sends what it returns. Nothing
here loads a model, and nothing here logs a body or a key.
"""
