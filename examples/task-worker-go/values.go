package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

type claim struct {
	Claim struct {
		Key   string `json:"key"`
		Bytes int    `json:"bytes"`
	} `json:"$claim"`
}

// fetched is the value of a claim; any other value is itself.
func (w *worker) fetched(value json.RawMessage) (json.RawMessage, error) {
	var found claim
	if !bytes.Contains(value, []byte(`"$claim"`)) || json.Unmarshal(value, &found) != nil || found.Claim.Key == "" {
		return value, nil
	}
	bucket, err := w.values()
	if err != nil {
		return nil, err
	}
	return bucket.GetBytes(context.Background(), found.Claim.Key)
}

// stored is the claim of a large output; a small one is itself.
func (w *worker) stored(key string, output any) (any, error) {
	body, err := json.Marshal(output)
	if err != nil {
		return nil, &taskError{"output-invalid", err.Error(), true}
	}
	if len(body) <= maxInline {
		return json.RawMessage(body), nil
	}
	bucket, err := w.values()
	if err != nil {
		return nil, err
	}
	if _, err := bucket.PutBytes(context.Background(), key, body); err != nil {
		return nil, err
	}
	var large claim
	large.Claim.Key, large.Claim.Bytes = key, len(body)
	return large, nil
}

func (w *worker) values() (jetstream.ObjectStore, error) {
	name := fmt.Sprintf("kflow_%s__values", w.namespace)
	bucket, err := w.js.ObjectStore(context.Background(), name)
	if errors.Is(err, jetstream.ErrBucketNotFound) { // nobody has had a large value before
		return w.js.CreateObjectStore(context.Background(), jetstream.ObjectStoreConfig{Bucket: name})
	}
	return bucket, err
}
