package fiber

// queue is a loop's run queue: fibers in the order in which they became ready,
// linked by Fiber.next. Holder only.
type queue struct {
	head, tail *Fiber
	n          int
}

func (q *queue) push(f *Fiber) {
	if q.tail == nil {
		q.head = f
	} else {
		q.tail.next = f
	}
	q.tail = f
	q.n++
}

// pop takes the first fiber, nil if there is none.
func (q *queue) pop() *Fiber {
	f := q.head
	if f == nil {
		return nil
	}
	q.head = f.next
	if q.head == nil {
		q.tail = nil
	}
	f.next = nil
	q.n--
	return f
}

// take takes the i-th fiber, counted from 0. A seeded scheduler chooses by it.
func (q *queue) take(i int) *Fiber {
	if i == 0 {
		return q.pop()
	}
	p := q.head
	for ; i > 1; i-- {
		p = p.next
	}
	f := p.next
	p.next = f.next
	if q.tail == f {
		q.tail = p
	}
	f.next = nil
	q.n--
	return f
}
