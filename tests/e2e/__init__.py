"""The whole: real servers, a real worker process, a real browser."""
