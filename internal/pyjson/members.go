package pyjson

import (
	"bytes"
	"encoding/json"
)

// Members are a JSON object whose keys have an order.
type Members[V any] []Member[V]

// A Member is a key of an object, and its value.
type Member[V any] struct {
	Key   string
	Value V
}

// MarshalJSON implements [json.Marshaler].
func (m Members[V]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, kv := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(kv.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(kv.Value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
