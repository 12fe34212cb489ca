"""One way to build a gRPC server, one way to build a channel, and what stands between them and the services."""
