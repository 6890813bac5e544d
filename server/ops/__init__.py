"""What operators watch, on a port of its own that is never public: health and metrics."""
