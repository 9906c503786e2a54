#ifndef WS_OPEN_SOCKET_H
#define WS_OPEN_SOCKET_H

/* The same as socket, but child processes do not inherit it. */
int ws_open_socket(int family, int type, int protocol);

#endif
