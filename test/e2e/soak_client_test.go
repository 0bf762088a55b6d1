package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// soakClient names the environment variable that turns the test binary into a
// client process: "URL LOG NUMBER ROUND TOKEN EMAIL PASSWORD", a line each.
const soakClient = "GATEHOUSE_SOAK_CLIENT"

// acknowledged is one line of a client's log: something that was answered 2xx.
type acknowledged struct {
	Kind  string `json:"kind"`  // "booked", "made", "left"
	ID    int    `json:"id"`    // of the appointment or interviewer
	Value string `json:"value"` // the student, the interviewer's name, the token that was logged out
}

// runSoakClient writes to a server until the server dies, and logs each write
// once its 2xx has arrived.
func runSoakClient(spec string) error {
	args := bytes.Split([]byte(spec), []byte("\n"))
	if len(args) != 7 {
		return fmt.Errorf("a client needs 7 words, got %d", len(args))
	}
	word := func(i int) string { return string(args[i]) }
	number, err := strconv.Atoi(word(2))
	if err != nil {
		return err
	}
	log, err := os.OpenFile(word(1), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	c := writer{url: word(0), token: word(4), log: log, client: &http.Client{Timeout: 10 * time.Second}}
	for i := 0; ; i++ {
		if err := c.step(number, i, word(3), word(5), word(6)); err != nil {
			return nil // the server is gone: the round is over
		}
	}
}

type writer struct {
	url, token string
	log        *os.File
	client     *http.Client
}

// step makes one write: mostly bookings, some new interviewers, now and then a
// login that is logged out at once.
func (c writer) step(number, i int, round, email, password string) error {
	name := fmt.Sprintf("r%s-c%d-%06d", round, number, i)
	switch {
	case i%200 == 50:
		return c.leave(email, password)
	case i%5 == 4:
		return c.make(name)
	default:
		return c.book(1+number*5+i%5, name)
	}
}

func (c writer) book(id int, student string) error {
	status, _, err := c.send(http.MethodPut, fmt.Sprintf("/api/appointments/%d", id), c.token,
		map[string]any{"interview": map[string]any{"student": student, "interviewer": 1}})
	if err != nil {
		return err
	}
	if status != http.StatusNoContent {
		return fmt.Errorf("booking was answered %d", status)
	}
	return c.acknowledge(acknowledged{"booked", id, student})
}

func (c writer) make(name string) error {
	status, body, err := c.send(http.MethodPost, "/api/interviewers", c.token,
		map[string]any{"name": name, "avatar": "https://example.org/a.png"})
	if err != nil {
		return err
	}
	var made struct{ ID int }
	if err := json.Unmarshal(body, &made); err != nil || status != http.StatusCreated {
		return fmt.Errorf("making an interviewer was answered %d", status)
	}
	return c.acknowledge(acknowledged{"made", made.ID, name})
}

func (c writer) leave(email, password string) error {
	status, body, err := c.send(http.MethodPost, "/login", "", map[string]any{"email": email, "password": password})
	if err != nil {
		return err
	}
	var pair tokens
	if err := json.Unmarshal(body, &pair); err != nil || status != http.StatusOK {
		return fmt.Errorf("login was answered %d", status)
	}
	status, _, err = c.send(http.MethodPost, "/logout", pair.Token, nil)
	if err != nil {
		return err
	}
	if status != http.StatusNoContent {
		return fmt.Errorf("logout was answered %d", status)
	}
	return c.acknowledge(acknowledged{"left", 0, pair.Token})
}

func (c writer) acknowledge(a acknowledged) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = c.log.Write(append(b, '\n'))
	return err
}

func (c writer) send(method, path, token string, v any) (int, []byte, error) {
	var body io.Reader
	if v != nil {
		b, err := json.Marshal(v)
		if err != nil {
			return 0, nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequest(method, c.url+path, body)
	if err != nil {
		return 0, nil, err
	}
	if v != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, err
}
