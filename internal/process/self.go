package process

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// Self is how this process calls itself in files that others read, such as
// "process 7 on build-3 since 2026-11-26T10:00:00.123456789Z". No two are called alike.
var Self = sync.OnceValue(func() string {
	host, _ := os.Hostname() // it may have no name
	return fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, time.Now().Format(time.RFC3339Nano))
})

// marker is the variable that says who has started a process, and those that it starts.
const marker = "POWERTEST_STARTED_BY="

// Mark is the variable for the environment of a command that [EndLeft] is to find, and
// all that the command starts.
func Mark() string { return marker + Self() }
