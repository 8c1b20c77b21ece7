package sim

import (
	"container/heap"
	"time"
)

// A queue holds what will happen, by time; of two things at the same time the
// one that was planned first comes first.
type queue struct {
	list list
	turn uint64
}

type item struct {
	at   time.Duration
	turn uint64
	do   func()
}

// add plans do for the time at.
func (q *queue) add(at time.Duration, do func()) {
	q.turn++
	heap.Push(&q.list, item{at, q.turn, do})
}

// next returns when the first thing happens.
func (q *queue) next() (at time.Duration, ok bool) {
	if len(q.list) == 0 {
		return 0, false
	}
	return q.list[0].at, true
}

// pop takes out the first thing.
func (q *queue) pop() func() { return heap.Pop(&q.list).(item).do }

type list []item

func (l list) Len() int { return len(l) }
func (l list) Less(i, j int) bool {
	return l[i].at < l[j].at || l[i].at == l[j].at && l[i].turn < l[j].turn
}
func (l list) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *list) Push(x any)   { *l = append(*l, x.(item)) }
func (l *list) Pop() any {
	last := (*l)[len(*l)-1]
	(*l)[len(*l)-1] = item{}
	*l = (*l)[:len(*l)-1]
	return last
}
