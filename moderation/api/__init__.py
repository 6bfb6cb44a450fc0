"""The app's HTTP API, for a site to include under a path of its choice: `moderation.api.urls`."""
