package dcgmtest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const host = "node-1:9400"

// get asks for a path of a host and reads all of the answer.
func get(t testing.TB, rt http.RoundTripper, url string) (*http.Response, string) {
	t.Helper()
	client := http.Client{Transport: rt}
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

// served runs a test with an exporter in a network, and with a server on the
// loopback interface.
func served(t *testing.T, test func(t *testing.T, e *Exporter, rt http.RoundTripper, url string)) {
	t.Run("transport", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := New(Config{})
			test(t, e, Transport(map[string]http.Handler{host: e}), "http://"+host)
		})
	})
	t.Run("server", func(t *testing.T) {
		e := New(Config{})
		server := httptest.NewServer(e)
		defer server.Close()
		rt := &http.Transport{}
		defer rt.CloseIdleConnections()
		test(t, e, rt, server.URL)
	})
}

func TestAnswers(t *testing.T) {
	served(t, func(t *testing.T, e *Exporter, rt http.RoundTripper, url string) {
		resp, body := get(t, rt, url+"/metrics")
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
		assert.Equal(t, string(Sort(e.Page(time.Now()))), string(Sort([]byte(body))))

		resp, body = get(t, rt, url+"/metric")
		assert.Equal(t, http.StatusOK, resp.StatusCode, "to any path")
		assert.Contains(t, body, "GPU Exporter")

		e.Status(http.StatusInternalServerError)
		resp, body = get(t, rt, url+"/metrics")
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		assert.Equal(t, "internal server error\n", body)
		e.Status(0)

		e.EmptyBody(200 * time.Millisecond)
		resp, body = get(t, rt, url+"/metrics")
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Empty(t, body)
		time.Sleep(200 * time.Millisecond)
		_, body = get(t, rt, url+"/metrics")
		assert.Len(t, body, 47024)
	})
}

func TestDelayHeedsTheContext(t *testing.T) {
	served(t, func(t *testing.T, e *Exporter, rt http.RoundTripper, url string) {
		e.Delay(100 * time.Millisecond)
		begin := time.Now()
		get(t, rt, url+"/metrics")
		assert.GreaterOrEqual(t, time.Since(begin), 100*time.Millisecond)

		e.Delay(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
		require.NoError(t, err)
		_, err = rt.RoundTrip(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestEndlessEndsWithTheBody(t *testing.T) {
	served(t, func(t *testing.T, e *Exporter, rt http.RoundTripper, url string) {
		e.Endless(true)
		resp, err := (&http.Client{Transport: rt}).Get(url + "/metrics")
		require.NoError(t, err)
		n, err := io.CopyN(io.Discard, resp.Body, 20<<20)
		require.NoError(t, err)
		assert.EqualValues(t, 20<<20, n)
		require.NoError(t, resp.Body.Close())

		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
		require.NoError(t, err)
		resp, err = rt.RoundTrip(req)
		require.NoError(t, err)
		time.AfterFunc(50*time.Millisecond, cancel)
		go io.CopyN(io.Discard, resp.Body, 1<<20) // then nobody reads
		<-ctx.Done()
		_, err = io.Copy(io.Discard, resp.Body)
		require.ErrorIs(t, err, context.Canceled)
		resp.Body.Close()
	})
}

func TestDown(t *testing.T) {
	served(t, func(t *testing.T, e *Exporter, rt http.RoundTripper, url string) {
		client := http.Client{Transport: rt}
		e.Down()
		_, err := client.Get(url + "/metrics")
		require.Error(t, err)
		e.Up()
		get(t, rt, url+"/metrics")
	})
	e := New(Config{})
	client := http.Client{Transport: Transport(map[string]http.Handler{host: e})}
	e.Down()
	_, err := client.Get("http://" + host)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	_, err = client.Get("http://node-2:9400")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// Other handlers than exporters work too, and may break off.
func TestTransportToAnyHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mux := http.NewServeMux()
		mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Method", r.Method)
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("X-Late", "not sent")
			io.Copy(w, r.Body)
		})
		mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) {})
		mux.HandleFunc("/half", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half of i")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		mux.HandleFunc("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		rt := Transport(map[string]http.Handler{host: mux})
		client := http.Client{Transport: rt}

		resp, body := get(t, rt, "http://"+host+"/silent")
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Empty(t, body)

		resp, err := client.Get("http://" + host + "/half")
		require.NoError(t, err)
		half, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, "half of i", string(half))

		_, err = client.Get("http://" + host + "/abort")
		require.ErrorIs(t, err, io.EOF)

		reader, writer := io.Pipe()
		go func() { io.WriteString(writer, "hello"); writer.Close() }()
		resp, err = client.Post("http://"+host+"/echo", "text/plain", reader)
		require.NoError(t, err)
		echo, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		assert.Equal(t, "hello", string(echo))
		assert.Equal(t, http.StatusAccepted, resp.StatusCode)
		assert.Equal(t, "202 Accepted", resp.Status)
		assert.Equal(t, "POST", resp.Header.Get("X-Method"))
		assert.Empty(t, resp.Header.Get("X-Late"))
	})
}
