/** Every FTP server the lab can run, by the name scenarios use. Its bundle is `dist/server-<name>.js`. */
export const SERVER_PROGRAMS = ['ftp-srv'] as const;
export type ServerProgram = (typeof SERVER_PROGRAMS)[number];
