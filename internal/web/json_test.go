package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGetJSON(t *testing.T) {
	status, body := http.StatusOK, `{"a":5}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	defer server.Close()
	to, err := Parse(Address("http://u:hunter2@"+server.Listener.Addr().String()), Defaults{Path: "/x"})
	require.NoError(t, err)
	c, err := Open(HTTP{}, func(string) string { return "" }, 1000)
	require.NoError(t, err)
	defer c.Close()
	var got struct{ A int }
	require.NoError(t, c.GetJSON(t.Context(), to, &got))
	assert.Equal(t, 5, got.A)

	status, body = http.StatusTeapot, "no\n  tea for hunter2"
	err = c.GetJSON(t.Context(), to, &got)
	var refused *StatusError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusTeapot, refused.Status)
	assert.Equal(t, "it answers 418 I'm a teapot: no tea for …", err.Error())

	status, body = http.StatusOK, "<html> hunter2"
	require.ErrorIs(t, c.GetJSON(t.Context(), to, &got), ErrNotJSON)
	assert.NotContains(t, c.GetJSON(t.Context(), to, &got).Error(), "hunter2")
	body = string(make([]byte, 2000))
	require.ErrorIs(t, c.GetJSON(t.Context(), to, &got), ErrTooLong)
}

func TestTake(t *testing.T) {
	to, err := Parse("a?kind=cpu&collect%5B%5D=rapl&kind=d%20r&token", Defaults{})
	require.NoError(t, err)
	assert.Equal(t, url.Values{"kind": {"cpu", "d r"}}, to.Take("kind", "unit"))
	assert.Equal(t, "collect%5B%5D=rapl&token", to.URL.RawQuery, "the rest as it was")
	assert.Empty(t, to.Take("kind"))
}
