package main

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken from below the range that Linux gives to outgoing
// connections (32768 and up), so that no client of the same machine can sit on
// a port between two starts of a server.
const lowestPort, highestPort = 20000, 32000

// freePorts finds ports of 127.0.0.1 that nobody listens on.
func freePorts(count int) ([]int, error) {
	var ports []int
	for attempt := 0; len(ports) < count; attempt++ {
		if attempt == 1000 {
			return nil, fmt.Errorf("no free port between %d and %d", lowestPort, highestPort)
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		// Held until all are found: no port is given out twice.
		defer listener.Close()
		ports = append(ports, port)
	}
	return ports, nil
}
