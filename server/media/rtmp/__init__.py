"""Our own RTMP and RTMPS publisher (Adobe RTMP 1.0), because the libraries freeze the process."""
