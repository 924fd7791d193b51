// A member of a consumer group, as a process that can be told to leave and that can be killed.
//
// Arguments are key=value: library, bootstrap, topic, group, client, session_ms, heartbeat_ms and
// optionally instance. It reads and says what happens, a line of JSON for each event:
//
//	{"event":"owns","partitions":[…]}                     all it has, whenever that was changed
//	{"event":"record","partition":…,"offset":…,"value":…}
//	{"event":"committed"}                                 the answer to the command `commit`
//	{"event":"refused","message":…}                       the other one, in a rebalance
//	{"event":"left"}                                      the answer to the command `leave`
//
// Commands come as lines on standard input; its end means `leave`.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

type settings map[string]string

func (s settings) duration(key string) time.Duration {
	milliseconds, err := strconv.Atoi(s[key])
	must(err)
	return time.Duration(milliseconds) * time.Millisecond
}

// member is what each library implements. It says `owns` and `record` by itself.
type member interface {
	commit() error
	leave()
}

func main() {
	given := settings{}
	for _, argument := range os.Args[1:] {
		key, value, _ := strings.Cut(argument, "=")
		given[key] = value
	}
	start := map[string]func(settings) member{"franz-go": startFranz, "sarama": startSarama}
	started := start[given["library"]](given)
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() && commands.Text() != "leave" {
		if commands.Text() == "commit" {
			if err := started.commit(); err != nil {
				say(map[string]any{"event": "refused", "message": err.Error()})
			} else {
				say(map[string]any{"event": "committed"})
			}
		}
	}
	started.leave()
	say(map[string]any{"event": "left"})
}

var speaking sync.Mutex

func say(event map[string]any) {
	line, err := json.Marshal(event)
	must(err)
	speaking.Lock()
	defer speaking.Unlock()
	_, err = os.Stdout.Write(append(line, '\n'))
	must(err)
}

func sayOwns(partitions []int32) {
	sorted := append([]int32{}, partitions...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	say(map[string]any{"event": "owns", "partitions": sorted})
}

func sayRecord(partition int32, offset int64, value []byte) {
	say(map[string]any{
		"event": "record", "partition": partition, "offset": offset, "value": string(value),
	})
}

func must(err error) {
	if err != nil {
		say(map[string]any{"event": "error", "message": err.Error()})
		os.Exit(1)
	}
}
