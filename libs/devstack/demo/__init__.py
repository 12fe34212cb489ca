"""`hearthgate demo`: the whole story once, through gRPC as clients tell it, each step checked."""
