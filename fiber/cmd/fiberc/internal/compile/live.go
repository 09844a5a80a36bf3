package compile

// liveness finds what each park point must save: the variables whose values some way on
// from it reads before it writes them. It works backwards over the flattened code until
// nothing changes.
func (l *lowering) liveness() {
	at := map[string]int{}
	for i, in := range l.code {
		if in.label != "" {
			at[in.label] = i
		}
	}
	in := make([]map[*variable]bool, len(l.code)+1)
	for i := range in {
		in[i] = map[*variable]bool{}
	}
	out := func(i int) map[*variable]bool {
		live := map[*variable]bool{}
		add := func(m map[*variable]bool) {
			for v := range m {
				live[v] = true
			}
		}
		if l.code[i].falls {
			add(in[i+1])
		}
		for _, t := range l.code[i].targets {
			to, ok := at[t]
			if !ok {
				no(l.f.Body, "a jump to a label that is not there: %s", t)
			}
			add(in[to])
		}
		return live
	}
	for changed := true; changed; {
		changed = false
		for i := len(l.code) - 1; i >= 0; i-- {
			c := &l.code[i]
			live := out(i)
			for _, v := range c.defs {
				delete(live, v)
			}
			for _, v := range c.uses {
				live[v] = true
			}
			if c.result {
				for _, v := range l.results {
					live[v] = true
				}
			}
			if len(live) != len(in[i]) {
				in[i], changed = live, true
			}
		}
	}
	for i := range l.code {
		p := l.code[i].park
		if p == nil {
			continue
		}
		live := out(i)
		for _, v := range p.results {
			delete(live, v)
		}
		for _, list := range [][]*variable{l.params, l.results, l.order} {
			for _, v := range list {
				if live[v] {
					p.live = append(p.live, v)
				}
			}
		}
	}
}
