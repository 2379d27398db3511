package delivery

// beside begins to ask while its caller looks elsewhere; what it returns waits for the answer. Who does not wait ends ask's context.
// A panic of ask becomes one of who waits: a stage turns it into a failure, and puts back what was there.
func beside[T any](ask func() T) func() T {
	answers := make(chan answer[T], 1)
	go func() { answers <- ended(ask) }()
	return func() T { return (<-answers).get() }
}

// answer of what was asked beside, or the panic that it ended in.
type answer[T any] struct {
	given  T
	broken any
}

// ended asks, and comes back whatever becomes of it.
func ended[T any](ask func() T) (a answer[T]) {
	defer func() { a.broken = recover() }()
	a.given = ask()
	return a
}

// get is what was given; it panics as what was asked did.
func (a answer[T]) get() T {
	if a.broken != nil {
		panic(a.broken)
	}
	return a.given
}
