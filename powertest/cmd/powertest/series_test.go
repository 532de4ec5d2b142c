package main

import (
	"bytes"
	"testing"

	"github.com/joulebench/joulebench/internal/command"
	"github.com/stretchr/testify/assert"
)

// TestSeriesFlags: wrong arguments are found before anything is asked.
func TestSeriesFlags(t *testing.T) {
	for says, args := range map[string][]string{
		"which server":           {},
		"is not a flag":          {"-prometheus", "http://127.0.0.1:1", "more"},
		"it is table, csv, json": {"-prometheus", "http://127.0.0.1:1", "-format", "xml"},
		"give one":               {"-prometheus", "http://127.0.0.1:1", "-last", "1h", "-start", "2026-11-25T10:00:00Z"},
		"must be more than 0":    {"-prometheus", "http://127.0.0.1:1", "-last", "-1h"},
		"RFC 3339":               {"-prometheus", "http://127.0.0.1:1", "-start", "yesterday"},
		"ttft or e2e":            {"-prometheus", "http://127.0.0.1:1", "-slo", "itl=1s"},
		"selectors, an equals":   {"-prometheus", "http://127.0.0.1:1", "-role", "prefill"},
		"there is no whole step": {"-prometheus", "http://127.0.0.1:1", "-last", "1m"},
		"too short":              {"-prometheus", "http://127.0.0.1:1", "-every", "1ms"},
		"in braces":              {"-prometheus", "http://127.0.0.1:1", "-selector", "job=dcgm"},
		"neither http nor https": {"-prometheus", "ftp://127.0.0.1:1"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, command.Misused, program.Run(t.Context(), append([]string{"series"}, args...), command.Streams{Out: &out, Err: &errs}), says)
		assert.Contains(t, errs.String(), says)
		assert.Empty(t, out.String())
	}
	var out, errs bytes.Buffer
	assert.Equal(t, command.Failed, program.Run(t.Context(), []string{"series", "-prometheus", "http://127.0.0.1:1"}, command.Streams{Out: &out, Err: &errs}))
	assert.Contains(t, errs.String(), "connection refused")
	assert.Equal(t, command.OK, program.Run(t.Context(), []string{"series", "-h"}, command.Streams{Out: &out, Err: &errs}))
	assert.Contains(t, out.String(), "-slo")
}
