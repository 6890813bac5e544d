"""From a publisher's packets to encoded units on the session's time line."""
