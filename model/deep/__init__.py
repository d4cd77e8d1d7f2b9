"""The relational graph transformer: neighbourhoods in time, network, training, scores, embeddings."""
