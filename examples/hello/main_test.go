package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/heddle-go/heddle/httpfw"
)

func TestHello(t *testing.T) {
	s, err := newApp(httpfw.Config{}).Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	for path, want := range map[string]string{"/": "Hello, World!", "/users/7": "7", "/users/a%20b": "a b"} {
		res, err := client.Get("http://" + s.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || string(b) != want {
			t.Errorf("%s: %d %q %v, want %q", path, res.StatusCode, b, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
