package contract

import (
	"encoding/json"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
	"github.com/gatehouse-api/gatehouse/problem"
)

// defaultMessage is the largest message of a client where the contract states
// none (OWASP WebSocket cheat sheet).
const defaultMessage = 64 << 10

// CheckReceive checks a message from a client against the schema of that name. A
// frame that is not strict JSON is checked as the text that it is.
func (s *Socket) CheckReceive(name string, data []byte) []problem.Field {
	schema := s.Receive[name]
	if schema == nil {
		return []problem.Field{{Code: "unknown_message", Message: "is not a message that the contract names"}}
	}
	v, err := strictjson.Decode(data)
	if err != nil {
		v = string(data)
	}
	if where, found := findNUL(v); found {
		return []problem.Field{{Pointer: where, Code: codeNUL, Message: textNUL}}
	}
	return schema.checkWhole(v)
}

// CheckSend checks a message from the server, which is JSON, against the schema
// of that name.
func (s *Socket) CheckSend(name string, data []byte) []problem.Field {
	schema := s.Send[name]
	if schema == nil {
		return []problem.Field{{Code: "unknown_message", Message: "is not a message that the contract names"}}
	}
	v, err := strictjson.Decode(data)
	if err != nil {
		return []problem.Field{{Code: "json", Message: "the message is not strict JSON: " + err.Error()}}
	}
	return schema.checkWhole(v)
}

// socket compiles the x-gatehouse-websocket object at a pointer.
func (c *compiler) socket(pointer string) (*Socket, error) {
	object, ok := c.at(pointer).(map[string]any)
	if !ok {
		return nil, &compileError{pointer, "a WebSocket that cannot be read", "x-gatehouse-websocket is an object",
			"write x-gatehouse-websocket: { receive: …, send: … }"}
	}
	s := &Socket{MaxMessage: defaultMessage}
	for _, key := range sortedKeys(object) {
		if err := c.setSocket(s, key, object[key], pointer+"/"+strictjson.EscapeToken(key)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (c *compiler) setSocket(s *Socket, key string, v any, pointer string) (err error) {
	switch key {
	case "max_message":
		if s.MaxMessage, _ = ParseSize(plainText(v)); s.MaxMessage < 1 {
			return &compileError{pointer, "a size that cannot be read", "a message has at least one byte", "write max_message: 64KiB"}
		}
	case "rate":
		if s.MaxRate, err = ParseBudget("", text(v)); err != nil {
			return &compileError{pointer, "a rate that cannot be read", err.Error(), `write rate: "60/1m"`}
		}
	case "receive":
		s.Receive, err = c.messages(v, pointer, request)
	case "send":
		s.Send, err = c.messages(v, pointer, answer)
	case "protocols":
		list, _ := v.([]any)
		for _, p := range list {
			s.Protocols = append(s.Protocols, text(p))
		}
		if len(s.Protocols) == 0 {
			return &compileError{pointer, "subprotocols that cannot be read", "protocols is a list of names", "write protocols: [chat]"}
		}
	default:
		return &compileError{pointer, "an unknown statement",
			"a WebSocket states max_message, rate, receive, send and protocols", "correct or remove " + key}
	}
	return err
}

// messages compiles a table of schemas.
func (c *compiler) messages(v any, pointer string, way direction) (map[string]*Schema, error) {
	table, ok := v.(map[string]any)
	if !ok {
		return nil, &compileError{pointer, "messages that cannot be read", "they are schemas by name", "write ping: { const: ping }"}
	}
	out := make(map[string]*Schema, len(table))
	for _, name := range sortedKeys(table) {
		s, err := c.compile(pointer+"/"+strictjson.EscapeToken(name), way)
		if err != nil {
			return nil, err
		}
		out[name] = s
	}
	return out, nil
}

// plainText is a size as text, whether it was written as text or as a number.
func plainText(v any) string {
	if n, ok := v.(json.Number); ok {
		return string(n)
	}
	return text(v)
}
