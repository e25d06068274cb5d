"""Memory for tasks: `reservations` of what they request, and their limits (`group`, `watch`)."""
