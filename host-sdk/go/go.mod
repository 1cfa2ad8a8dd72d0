module agones-processor/host-sdk/go

go 1.22

require github.com/ebitengine/purego v0.8.2
