package pyjson

import (
	"bytes"
	"encoding/json"
	"slices"
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
	list := make([][]byte, len(m))
	for i, kv := range m {
		object, err := json.Marshal(map[string]V{kv.Key: kv.Value})
		if err != nil {
			return nil, err
		}
		list[i] = object[1 : len(object)-1]
	}
	return slices.Concat([]byte("{"), bytes.Join(list, []byte(",")), []byte("}")), nil
}

// Add adds a key, which must not be there, at the end.
func (m *Members[V]) Add(key string, value V) { *m = append(*m, Member[V]{key, value}) }
