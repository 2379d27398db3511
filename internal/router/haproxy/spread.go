package haproxy

// maxWeight is the highest weight that HAProxy gives a server.
const maxWeight = 256

// spread returns the weights of the servers of two slots, so that the first slot's are together exactly percent percent of all, and each
// slot's are as even as whole numbers allow. first and second are how many servers the slots have, at least 1 where the slot
// gets anything. Where it takes more than maxWeight to give each server something, some get 0: exact goes before even.
func spread(percent, first, second int) (a, b []int) {
	if percent == 0 {
		b, a = spread(100, second, first)
		return a, b
	}
	if percent == 100 {
		a = share(100*multiple(100, first), first)
		return a, make([]int, second)
	}
	// Percents themselves, where they come out even: those are weights that a person reads on HAProxy's own page.
	k := lcm(multiple(percent, first), multiple(100-percent, second))
	x, y := percent, 100-percent
	if !fits(k*x, first) || !fits(k*y, second) {
		// In lowest terms there are more multiples.
		g := gcd(x, y)
		x, y = x/g, y/g
		k = lcm(multiple(x, first), multiple(y, second))
	}
	if !fits(k*x, first) || !fits(k*y, second) {
		// Uneven, then: the more there is to share, the less one unit matters.
		for k = 1; fits((k+1)*x, first) && fits((k+1)*y, second); k++ { //nolint:revive // k is what is looked for
		}
	}
	return share(k*x, first), share(k*y, second)
}

// multiple is the least k such that n servers share k*total evenly.
func multiple(total, n int) int { return n / gcd(total, n) }

// fits tells whether n servers can share total.
func fits(total, n int) bool { return total <= n*maxWeight }

// share cuts total into n parts that differ by at most 1. The larger ones are apart from each other, as servers of a machine often stand
// together in a configuration.
func share(total, n int) []int {
	parts := make([]int, n)
	for i := range parts {
		parts[i] = (i+1)*total/n - i*total/n
	}
	return parts
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func lcm(a, b int) int { return a / gcd(a, b) * b }
