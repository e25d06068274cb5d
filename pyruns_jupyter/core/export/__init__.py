"""Taking results and tasks elsewhere: tables and archives."""
