"""Memory for tasks: `reservations` of what they ask for; `group` and `usage` for their limits, which `watch`
puts together for a supervisor.
"""
