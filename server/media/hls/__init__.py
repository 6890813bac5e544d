"""What HLS is made of, for recordings and for those who watch live: pure, no clock and no I/O."""
