package main

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/IBM/sarama"
)

// saramaMember is one ConsumerGroup of sarama's. Consume is called again after each rebalance; the
// session of the present generation is what can be committed to.
type saramaMember struct {
	group   sarama.ConsumerGroup
	topic   string
	lock    sync.Mutex
	session sarama.ConsumerGroupSession
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

func startSarama(given settings) member {
	config := sarama.NewConfig()
	// Below 2.3 there are no instance ids; the rest is left as it comes.
	config.Version = sarama.V2_8_0_0
	config.ClientID = given["client"]
	config.Consumer.Group.InstanceId = given["instance"]
	config.Consumer.Group.Session.Timeout = given.duration("session_ms")
	config.Consumer.Group.Heartbeat.Interval = given.duration("heartbeat_ms")
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	group, err := sarama.NewConsumerGroup(strings.Split(given["bootstrap"], ","), given["group"], config)
	must(err)
	s := &saramaMember{group: group, topic: given["topic"]}
	var running context.Context
	running, s.stop = context.WithCancel(context.Background())
	s.stopped.Add(1)
	go s.consume(running)
	return s
}

func (s *saramaMember) consume(running context.Context) {
	defer s.stopped.Done()
	for running.Err() == nil {
		// It returns at every rebalance, and with an error while there is no coordinator.
		err := s.group.Consume(running, []string{s.topic}, s)
		if errors.Is(err, sarama.ErrClosedConsumerGroup) {
			return
		}
	}
}

func (s *saramaMember) Setup(session sarama.ConsumerGroupSession) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.session = session
	sayOwns(session.Claims()[s.topic])
	return nil
}

func (s *saramaMember) Cleanup(sarama.ConsumerGroupSession) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.session = nil
	sayOwns(nil)
	return nil
}

func (s *saramaMember) ConsumeClaim(
	session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim,
) error {
	for record := range claim.Messages() {
		sayRecord(record.Partition, record.Offset, record.Value)
		session.MarkMessage(record, "")
	}
	return nil
}

func (s *saramaMember) commit() error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.session == nil {
		return errors.New("between two generations")
	}
	s.session.Commit() // What is refused stays marked for the next one.
	return nil
}

// leave does not tell the broker when there is an instance id: such a member is to return.
func (s *saramaMember) leave() {
	s.stop()
	s.stopped.Wait()
	must(s.group.Close())
}
