package dcgmtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPageIsOfTheRealSize(t *testing.T) {
	e := New(Config{})
	assert.Len(t, e.Page(time.Now()), 47024, "what the real exporter made of eight GPUs")
}
