package borrow

import (
	"bytes"
	"fmt"

	"example.com/cases/store"
	"github.com/heddle-go/heddle/fiber"
	"github.com/heddle-go/heddle/httpfw"
	"github.com/heddle-go/heddle/netpoll"
)

func after(c *httpfw.Ctx) error {
	q := c.RawQuery()
	c.Sleep(1)
	return c.Text(200, string(q)) // want `borrowed bytes \(httpfw.Ctx.RawQuery, line \d+\) are used after a park \(httpfw.Ctx.Sleep, line \d+\): copy them before it`
}

func copies(c *httpfw.Ctx) {
	a, b := bytes.Clone(c.RawQuery()), append([]byte(nil), c.RawQuery()...)
	s := string(c.RawQuery())
	d := make([]byte, 10)
	copy(d, c.RawQuery())
	q := c.RawQuery()
	c.Sleep(1)
	fmt.Println(a, b, s, d, len(q), q == nil)
	q = c.RawQuery()
	fmt.Println(q)
}

func again(c *httpfw.Ctx, some bool) {
	q := c.RawQuery()
	if some {
		c.Sleep(1)
		q = c.RawQuery()
	}
	fmt.Println(q)
	if some {
		c.Sleep(1)
	}
	fmt.Println(q) // want `borrowed bytes`
}

func loop(v *netpoll.View) error {
	for {
		b, err := v.Receive()
		if err != nil {
			return err
		}
		n := len(b)
		if _, err := v.Write(b); err != nil {
			return err
		}
		v.Consume(n)
	}
}

func lines(v *netpoll.View) {
	b, _ := v.Receive()
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n') // want `borrowed bytes \(netpoll.View.Receive, line \d+\) are used after a park \(netpoll.View.Write, line \d+\)`
		v.Write(b[:i])
		b = b[i+1:]
	}
}

func renewed(v *netpoll.View) {
	b, _ := v.Receive()
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		v.Write(b[:i])
		v.Consume(i + 1)
		b = v.Buffered()
	}
}

func parts(v *netpoll.View) {
	b, _ := v.Receive()
	head, tail, _ := bytes.Cut(b, []byte(" "))
	words := bytes.Fields(tail)
	one := store.First(head)
	v.Fiber().Sleep(1)
	fmt.Println(words[0]) // want `borrowed bytes`
	fmt.Println(one[0])
}

func first(v *netpoll.View) byte {
	b, _ := v.Receive()
	one := store.First(b)
	v.Fiber().Sleep(1)
	return one[0] // want `borrowed bytes`
}

type message struct {
	kind int
	body []byte
}

func parse(b []byte) (message, bool) { return message{kind: 1, body: b[1:]}, true }

func structs(v *netpoll.View) {
	b, _ := v.Receive()
	m, _ := parse(b)
	v.Fiber().Sleep(1)
	fmt.Println(m.kind)
	fmt.Println(m.body) // want `borrowed bytes`
}

func copied(v *netpoll.View) {
	b, _ := v.Receive()
	m, _ := parse(b)
	m.body = bytes.Clone(m.body)
	v.Fiber().Sleep(1)
	fmt.Println(m.body)
}

func elsewhere(v *netpoll.View) {
	b := store.Head(v)
	fmt.Println(b)
	store.Pause(v.Fiber())
	fmt.Println(b) // want `borrowed bytes \(store.Head, line \d+\) are used after a park \(store.Pause → fiber.Fiber.Sleep, line \d+\)`
}

func given(v *netpoll.View) {
	b := v.Buffered()
	store.Echo(v, b) // want `borrowed bytes \(netpoll.View.Buffered, line \d+\) are given to store.Echo, which uses them after a park: copy them first`
	b = v.Buffered()
	store.Echo(v, bytes.Clone(b))
	echo(v, v.Buffered())
}

func echo(v *netpoll.View, b []byte) { v.Write(b) }

func handed(c *httpfw.Ctx, g *fiber.Group) {
	q := c.RawQuery()
	go func() { fmt.Println(q) }() // want `borrowed bytes \(httpfw.Ctx.RawQuery, line \d+\) are handed to a goroutine: copy them first`
	go fmt.Println(len(q))
	g.Go(func(f *fiber.Fiber) error { // want `are handed to another fiber`
		fmt.Println(q)
		return nil
	})
	c.Block(func() { fmt.Println(q) }) // want `are handed to Block`
}

func sent(v *netpoll.View, ch *fiber.Chan[[]byte]) {
	b, _ := v.Receive()
	ch.Send(v.Fiber(), b) // want `are handed to another fiber: copy them first`
	b = v.Buffered()
	ch.Send(v.Fiber(), bytes.Clone(b))
}

func handedCopies(c *httpfw.Ctx) {
	q := bytes.Clone(c.RawQuery())
	go func() { fmt.Println(q) }()
	c.Block(func() { fmt.Println(q) })
	var body []byte
	c.Block(func() { body = []byte("x") })
	fmt.Println(body)
}

func headers(c *httpfw.Ctx) {
	var auth, own []byte
	var name string
	c.EachHeader(func(k, v []byte) bool {
		if string(k) == "authorization" {
			auth, own, name = v, bytes.Clone(v), string(k)
		}
		c.Sleep(1)
		fmt.Println(k) // want `borrowed bytes \(the parameter k, line \d+\) are used after a park`
		return true
	})
	fmt.Println(auth, name)
	c.Sleep(1)
	fmt.Println(own, name)
	fmt.Println(auth) // want `borrowed bytes \(httpfw.Ctx.EachHeader, line \d+\) are used after a park`
}

func captured(c *httpfw.Ctx) {
	q := c.RawQuery()
	keep := func() { q = bytes.Clone(q) }
	keep()
	c.Sleep(1)
	fmt.Println(q)
}

func named(v *netpoll.View) (b []byte, err error) {
	defer func() { err = nil }()
	b, err = v.Receive()
	if err != nil {
		return nil, err
	}
	return b, nil
}
