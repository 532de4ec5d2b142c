package dcgmsource

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrorsOfTheNetworkSayWhatToDo(t *testing.T) {
	other := errors.New("other")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "check the port"},
		{&net.DNSError{Err: "no such host", Name: "gpu-node-01"}, "check its name"},
		{context.DeadlineExceeded, "overloaded"},
		{os.ErrDeadlineExceeded, "overloaded"},
	} {
		err := explain(c.err)
		require.ErrorIs(t, err, c.err)
		assert.ErrorContains(t, err, c.want)
	}
	assert.Equal(t, other, explain(other))
}

func TestTheTimeoutIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := network{"a:9400": (&exporter{delay: time.Hour}).ServeHTTP}.client()
		h.Timeout = time.Second
		start := time.Now()
		_, err := Open(Config{Endpoints: []Endpoint{{URL: "a"}}, HTTP: h})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
	})
}
