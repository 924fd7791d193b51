package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// franz is franz-go as it comes: cooperative-sticky, so what it has changes in steps.
type franz struct {
	client *kgo.Client
	topic  string
	lock   sync.Mutex
	owned  []int32
}

func startFranz(given settings) member {
	f := &franz{topic: given["topic"]}
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(given["bootstrap"], ",")...),
		kgo.ClientID(given["client"]),
		kgo.ConsumerGroup(given["group"]),
		kgo.ConsumeTopics(f.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(given.duration("session_ms")),
		kgo.HeartbeatInterval(given.duration("heartbeat_ms")),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(f.gained),
		kgo.OnPartitionsRevoked(f.gaveUp),
		kgo.OnPartitionsLost(f.gaveUp),
	}
	if instance := given["instance"]; instance != "" {
		options = append(options, kgo.InstanceID(instance))
	}
	client, err := kgo.NewClient(options...)
	must(err)
	f.client = client
	go f.read()
	return f
}

func (f *franz) read() {
	for {
		fetches := f.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(_ string, _ int32, err error) {
			// A broker that restarts is retried by the library; only what it cannot mend is fatal.
			var session *kgo.ErrGroupSession
			if !errors.As(err, &session) {
				must(err)
			}
		})
		fetches.EachRecord(func(record *kgo.Record) {
			sayRecord(record.Partition, record.Offset, record.Value)
		})
	}
}

func (f *franz) gained(_ context.Context, _ *kgo.Client, more map[string][]int32) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.owned = append(f.owned, more[f.topic]...)
	sayOwns(f.owned)
}

func (f *franz) gaveUp(_ context.Context, _ *kgo.Client, fewer map[string][]int32) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.owned = slices.DeleteFunc(f.owned, func(partition int32) bool {
		return slices.Contains(fewer[f.topic], partition)
	})
	sayOwns(f.owned)
}

func (f *franz) commit() error {
	return f.client.CommitUncommittedOffsets(context.Background())
}

// leave does not tell the broker when there is an instance id: such a member is to return.
func (f *franz) leave() {
	f.client.Close()
}
