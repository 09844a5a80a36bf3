package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

// client talks to a server of its own.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func serve(t *testing.T) *client {
	t.Helper()
	st, err := openStore(filepath.Join(t.TempDir(), "with space?.db"))
	if err != nil {
		t.Fatal(err)
	}
	var config httpfw.Config
	config.Fiber.Loops = 2
	config.Logger = slog.New(slog.DiscardHandler)
	s, err := newApp(config, st).Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t, "http://" + s.Addr().String(), &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := st.close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// do makes a request and returns the status and body of the reply.
func (c *client) do(method, path, body string, fields ...string) (int, string, http.Header) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Error(err)
		return 0, "", nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Error(err)
	}
	return res.StatusCode, string(bytes.TrimSpace(b)), res.Header
}

func TestNotes(t *testing.T) {
	c := serve(t)
	long := strings.Repeat("x", 201)
	for _, step := range []struct {
		method, path, body string
		status             int
		reply              string
	}{
		{"GET", "/notes", "", 200, `{"notes":[],"after":null}`},
		{"POST", "/notes", `{"title":" milk ","text":"two"}`, 201, `{"id":1,"title":"milk","text":"two"}`},
		{"POST", "/notes", `{"title":"milk"}`, 409, `{"error":"another note has that title"}`},
		{"POST", "/notes", `{"title":"bread"}`, 201, `{"id":2,"title":"bread","text":""}`},
		{"GET", "/notes/1", "", 200, `{"id":1,"title":"milk","text":"two"}`},
		{"GET", "/stats", "", 200, `{"notes":2}`},
		{"PUT", "/notes/1", `{"title":"milk","text":"three"}`, 200, `{"id":1,"title":"milk","text":"three"}`},
		{"PUT", "/notes/2", `{"title":"milk"}`, 409, `{"error":"another note has that title"}`},
		{"PUT", "/notes/9", `{"title":"x"}`, 404, `{"error":"there is no such note"}`},
		{"GET", "/notes/1", "", 200, `{"id":1,"title":"milk","text":"three"}`},
		{"DELETE", "/notes/1", "", 204, ""},
		{"DELETE", "/notes/1", "", 404, `{"error":"there is no such note"}`},
		{"GET", "/notes/1", "", 404, `{"error":"there is no such note"}`},
		{"GET", "/notes", "", 200, `{"notes":[{"id":2,"title":"bread","text":""}],"after":null}`},

		{"GET", "/notes/x", "", 400, `{"error":"\"x\" is no id"}`},
		{"GET", "/notes/0", "", 400, `{"error":"\"0\" is no id"}`},
		{"GET", "/notes?limit=0", "", 400, `{"error":"limit must be a number from 1 to 100"}`},
		{"GET", "/notes?limit=101", "", 400, `{"error":"limit must be a number from 1 to 100"}`},
		{"GET", "/notes?after=x", "", 400, `{"error":"after must be a number from 0 to 9223372036854775807"}`},
		{"POST", "/notes", `{"title":"  "}`, 422, `{"error":"title is missing"}`},
		{"POST", "/notes", `{"title":"` + long + `"}`, 422, `{"error":"title has 201 characters, at most 200 are allowed"}`},
		{"POST", "/notes", `{"title":`, 400, `{"error":"the JSON value in the body ends too early"}`},
		{"POST", "/notes", `{"title":"` + strings.Repeat("x", 300<<10) + `"}`, 413, `{"error":"the body is longer than 262144 bytes"}`},
		{"GET", "/nothing", "", 404, `{"error":"Not Found"}`},
		{"PATCH", "/notes", "", 405, `{"error":"Method Not Allowed"}`},
	} {
		status, reply, header := c.do(step.method, step.path, step.body)
		if status != step.status || reply != step.reply {
			t.Errorf("%s %s %.40s: %d %s, want %d %s", step.method, step.path, step.body, status, reply, step.status, step.reply)
		}
		if status == 201 && !strings.HasPrefix(header.Get("Location"), "/notes/") {
			t.Errorf("%s %s: Location %q", step.method, step.path, header.Get("Location"))
		}
		if header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no X-Request-Id", step.method, step.path)
		}
	}
	if status, reply, _ := c.do("POST", "/notes", "title=x", "Content-Type", "text/plain"); status != 415 {
		t.Errorf("text/plain: %d %s", status, reply)
	}
}

// Many clients at once: each of their notes is kept, and of those that want the same
// title one wins.
func TestConcurrentClients(t *testing.T) {
	c := serve(t)
	const clients, each = 8, 15
	var won atomic.Int32
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			for j := range each {
				if status, reply, _ := c.do("POST", "/notes", fmt.Sprintf(`{"title":"%d of %d"}`, j, i)); status != 201 {
					t.Errorf("%d %s", status, reply)
				}
				switch status, reply, _ := c.do("POST", "/notes", fmt.Sprintf(`{"title":"wanted %d"}`, j)); status {
				case 201:
					won.Add(1)
				case 409:
				default:
					t.Errorf("%d %s", status, reply)
				}
				if status, reply, _ := c.do("GET", "/stats", ""); status != 200 {
					t.Errorf("%d %s", status, reply)
				}
			}
		})
	}
	group.Wait()
	if won.Load() != each {
		t.Errorf("%d clients won %d titles", won.Load(), each)
	}
	seen := map[string]bool{}
	for after, pages := int64(0), 1; ; pages++ {
		_, reply, _ := c.do("GET", fmt.Sprintf("/notes?limit=7&after=%d", after), "")
		var p page
		if err := json.Unmarshal([]byte(reply), &p); err != nil {
			t.Fatal(err)
		}
		for _, n := range p.Notes {
			if seen[n.Title] || n.ID <= after {
				t.Errorf("%v after %d", n, after)
			}
			seen[n.Title] = true
		}
		if p.After == nil {
			break
		}
		if after = *p.After; len(p.Notes) != 7 {
			t.Errorf("%d notes on page %d", len(p.Notes), pages)
		}
	}
	if len(seen) != (clients+1)*each {
		t.Errorf("%d notes, want %d", len(seen), (clients+1)*each)
	}
}

func TestBadDatabase(t *testing.T) {
	if _, err := openStore(filepath.Join(t.TempDir(), "none", "notes.db")); err == nil {
		t.Error("no error")
	}
}
