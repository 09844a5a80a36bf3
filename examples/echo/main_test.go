package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

func TestEcho(t *testing.T) {
	rt, ln, err := listen("127.0.0.1:0", 2)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if err := talk(ln.Addr().String(), 1<<(i%20), uint64(i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	// A peer that stays, and says nothing, does not hold up the end.
	idle, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	ln.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := rt.Close(ctx); err != nil {
		t.Error(err)
	}
}

// talk sends size bytes while it reads them back, then closes its side and expects the
// server to do so.
func talk(addr string, size int, seed uint64) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	sent := make([]byte, size)
	for i, r := 0, rand.New(rand.NewPCG(1, seed)); i < size; i++ {
		sent[i] = byte(r.Uint32())
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := nc.Write(sent)
		if err == nil {
			err = nc.(*net.TCPConn).CloseWrite()
		}
		wrote <- err
	}()
	got, err := io.ReadAll(nc)
	if err != nil {
		return err
	}
	if err := <-wrote; err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d bytes came back changed (seed %d)", size, seed)
	}
	return nil
}

func TestAddressInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, _, err := listen(ln.Addr().String(), 1); err == nil {
		t.Error("no error")
	}
}
