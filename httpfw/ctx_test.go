package httpfw

import "testing"

// A spare Ctx once kept the memory that its last request's head had been moved to.
func TestSpareCtxKeepsNoHead(t *testing.T) {
	x := &Ctx{work: &work{}, conn: &conn{shard: &shard{limits: &limits{}}}}
	head := []byte("GET /a?b HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n")
	x.rebase(head)
	if string(x.req.Path) != "/a" {
		t.Fatalf("path %q", x.req.Path)
	}
	x.head = make([]byte, 0, headKeptMax+1)
	x.reset()
	if x.req.Path != nil || x.req.Target != nil || x.head != nil {
		t.Error("the request still points into its head")
	}
	for _, f := range x.req.Fields[:cap(x.req.Fields)] {
		if f.Name != nil || f.Value != nil {
			t.Error("a field still points into the head")
		}
	}
}
