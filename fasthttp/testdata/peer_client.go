// Asks a server whose handlers stream: go run peer_client.go HOST:PORT
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func main() {
	url := "http://" + os.Args[1]

	response, err := http.Get(url + "/stream")
	check(err)
	body, err := io.ReadAll(response.Body)
	check(err)
	fmt.Println(response.StatusCode, response.TransferEncoding, len(body), response.Trailer.Get("X-Sum"))

	// Chunked, since the length of a pipe is not known.
	reader, writer := io.Pipe()
	go func() {
		for i := 0; i < 100; i++ {
			io.WriteString(writer, strings.Repeat("x", 10000))
		}
		writer.Close()
	}()
	response, err = http.Post(url+"/upload", "text/plain", reader)
	check(err)
	body, err = io.ReadAll(response.Body)
	check(err)
	fmt.Println(response.StatusCode, string(body))

	// The body is left unread; the connection is used again.
	for _, path := range []string{"/unread", "/unread", "/stream"} {
		response, err = http.Post(url+path, "text/plain", strings.NewReader(strings.Repeat("y", 100000)))
		check(err)
		body, err = io.ReadAll(response.Body)
		check(err)
		fmt.Println(response.StatusCode, len(body))
	}

	_, err = http.Get(url + "/abort")
	if err == nil {
		response, _ = http.Get(url + "/abort")
		_, err = io.ReadAll(response.Body)
	}
	fmt.Println("aborted:", err != nil)

	conn, err := net.Dial("tcp", os.Args[1])
	check(err)
	fmt.Fprintf(conn, "GET /hijack HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly\n")
	lines := bufio.NewReader(conn)
	response, err = http.ReadResponse(lines, nil)
	check(err)
	early, err := lines.ReadString('\n')
	check(err)
	fmt.Fprintf(conn, "later\n")
	later, err := lines.ReadString('\n')
	check(err)
	fmt.Println(response.StatusCode, strings.TrimSpace(early), strings.TrimSpace(later))
}
