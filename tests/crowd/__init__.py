"""The room page in a class of five hundred that never stops talking, and what that costs it."""
