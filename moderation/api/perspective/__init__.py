"""Google's Perspective API on this site: `include("moderation.api.perspective.urls")` under any prefix."""
